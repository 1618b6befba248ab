# Puts every file of FOLDER into OUT, as the map that scenario_files.hpp declares.
file(GLOB files "${FOLDER}/*.toml")
list(SORT files)
set(items "")
foreach(file ${files})
  get_filename_component(name "${file}" NAME_WE)
  file(READ "${file}" text)
  string(APPEND items "    {\"${name}\", R\"toml(${text})toml\"},\n")
endforeach()
file(WRITE "${OUT}" "#include \"sim/scenario_files.hpp\"\n\nnamespace vivim::sim {\n\n"
  "std::map<std::string, std::string_view, std::less<>> scenario_files() {\n  return {\n${items}  };\n}\n\n}\n")
