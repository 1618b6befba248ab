# vivim_embed(<target> FILE <file> HEADER <header> FUNCTION <namespace::function>)
#
# Puts a file's bytes into a library as `std::string_view function()`, declared in `header`. Regenerated when it changes.

function(vivim_embed target)
  cmake_parse_arguments(E "" "FILE;HEADER;FUNCTION" "" ${ARGN})
  get_filename_component(base "${E_FILE}" NAME_WE)
  set(out "${CMAKE_BINARY_DIR}/embed/${target}_${base}.cpp")
  add_custom_command(OUTPUT "${out}"
    COMMAND "${CMAKE_COMMAND}" "-DIN=${E_FILE}" "-DOUT=${out}" "-DHEADER=${E_HEADER}" "-DFUNCTION=${E_FUNCTION}"
      -P "${CMAKE_SOURCE_DIR}/cmake/vivim_embed.cmake"
    DEPENDS "${E_FILE}" "${CMAKE_SOURCE_DIR}/cmake/vivim_embed.cmake" VERBATIM)
  target_sources(${target} PRIVATE "${out}")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  file(READ "${IN}" hex HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  file(WRITE "${OUT}" "#include \"${HEADER}\"\n\nnamespace {\n\nconstexpr unsigned char k_bytes[] = {\n${hex}};\n\n}\n\n"
    "std::string_view ${FUNCTION}() {\n  return {reinterpret_cast<const char*>(k_bytes), sizeof(k_bytes)};\n}\n")
endif()
