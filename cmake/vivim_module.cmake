# vivim_module(<path> [DEPS <module>...] [EXTERNAL <library>...] [PRIVATE_EXTERNAL <library>...]
#              [PROTO <file>...] [HEADERS_ONLY])
#
# A module is a folder vivim/<path>, a library vivim::<path with _>, and a namespace. This makes, from the folder:
#   <x>.hpp        public headers, each compiled alone (VERIFY_INTERFACE_HEADER_SETS); *_detail.hpp are private
#   <x>.cpp        the library
#   <x>_test.cpp   one doctest program for the module, a ctest test
#   <x>_fuzz.cpp   one libFuzzer program each (preset fuzz), and a replay of its corpus as a ctest test (elsewhere)
#   <x>_bench.cpp  one Google Benchmark program for the module
# and a link test: the whole archive linked into an empty main with nothing but the declared DEPS.

# Tests of what runs in several threads (they link the real loop and its workers): all that ThreadSanitizer needs to see.
add_custom_target(vivim_threaded_tests)
# Sanitizers make a program several times slower. Under them tests that play many seeds play a tenth (VIVIM_SEEDS_PART), and cases
# in the suite "long", which do at scale what others do with few, are left out.
set(VIVIM_TEST_ARGUMENTS --no-intro)
set(VIVIM_SEEDS_PART 1)
if(VIVIM_SANITIZE)
  list(APPEND VIVIM_TEST_ARGUMENTS --test-suite-exclude=long)
  set(VIVIM_SEEDS_PART 10)
endif()

add_custom_target(vivim_fuzzers)
add_custom_target(vivim_benches)

add_library(vivim_test_main STATIC "${CMAKE_SOURCE_DIR}/cmake/test_main.cpp")
add_library(vivim_fuzz_replay STATIC "${CMAKE_SOURCE_DIR}/cmake/fuzz_replay.cpp")

function(vivim_module path)
  cmake_parse_arguments(M "" "" "DEPS;EXTERNAL;PRIVATE_EXTERNAL;PROTO;TEST_DEPS;TEST_EXTERNAL" ${ARGN})
  string(REPLACE "/" "_" name "${path}")
  set(lib vivim_${name})
  set(dir "${CMAKE_SOURCE_DIR}/vivim/${path}")

  file(GLOB sources CONFIGURE_DEPENDS "${dir}/*.cpp")
  file(GLOB headers CONFIGURE_DEPENDS "${dir}/*.hpp")
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  set(fuzzers ${sources})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")
  set(benches ${sources})
  list(FILTER benches INCLUDE REGEX "_bench\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz|bench)\\.cpp$")
  list(FILTER headers EXCLUDE REGEX "_detail\\.hpp$")

  if(NOT sources)
    return()  # a room that nobody has moved into yet
  endif()
  foreach(dep ${M_DEPS})
    if(NOT TARGET vivim_${dep})
      message(STATUS "vivim/${path} waits for ${dep}")
      return()
    endif()
  endforeach()
  add_library(${lib} STATIC ${sources})
  add_library(vivim::${name} ALIAS ${lib})
  target_sources(${lib} PUBLIC FILE_SET HEADERS BASE_DIRS "${CMAKE_SOURCE_DIR}" FILES ${headers})
  set_target_properties(${lib} PROPERTIES LINKER_LANGUAGE CXX VERIFY_INTERFACE_HEADER_SETS ${VIVIM_VERIFY})
  set(deps ${M_DEPS})
  list(TRANSFORM deps PREPEND vivim::)
  set(external ${M_EXTERNAL})
  list(TRANSFORM external PREPEND external::)
  set(private_external ${M_PRIVATE_EXTERNAL})
  list(TRANSFORM private_external PREPEND external::)
  target_link_libraries(${lib} PUBLIC ${deps} ${external} PRIVATE ${private_external})
  if(M_PROTO)
    vivim_proto(${lib} ${M_PROTO})
    target_link_libraries(${lib} PRIVATE external::protobuf)
  endif()
  target_precompile_headers(${lib} REUSE_FROM vivim_pch)
  target_compile_definitions(${lib} PRIVATE BOOST_ASIO_SEPARATE_COMPILATION)
  vivim_install_module("${path}" ${lib})

  set(test_deps ${M_TEST_DEPS})
  list(TRANSFORM test_deps PREPEND vivim::)
  set(test_external ${M_TEST_EXTERNAL})
  list(TRANSFORM test_external PREPEND external::)

  if(tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE ${lib} vivim_test_main ${test_deps} ${test_external} ${private_external})
    target_precompile_headers(${name}_test REUSE_FROM vivim_test_pch)
    target_compile_options(${name}_test PRIVATE ${VIVIM_TEST_OPTIONS})
    target_compile_definitions(${name}_test PRIVATE BOOST_ASIO_SEPARATE_COMPILATION VIVIM_SEEDS_PART=${VIVIM_SEEDS_PART}
      VIVIM_SOURCE_DIR="${CMAKE_SOURCE_DIR}" VIVIM_SHARED_DATA="${CMAKE_SOURCE_DIR}/../shared/data")
    add_test(NAME ${name} COMMAND ${name}_test ${VIVIM_TEST_ARGUMENTS})
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 600)
    if(path STREQUAL "rt/asio" OR "rt_asio" IN_LIST M_TEST_DEPS)
      set_tests_properties(${name} PROPERTIES LABELS "unit;threads")
      add_dependencies(vivim_threaded_tests ${name}_test)
    endif()
  endif()

  if(VIVIM_SANITIZE STREQUAL "thread")
    set(fuzzers "")  # one thread each: nothing to find
  endif()
  foreach(source ${fuzzers})
    get_filename_component(base "${source}" NAME_WE)
    set(target ${name}_${base})
    add_executable(${target} "${source}")
    target_link_libraries(${target} PRIVATE ${lib} ${test_deps} ${test_external} ${private_external})
    set(corpus "${CMAKE_SOURCE_DIR}/corpus/${name}_${base}")
    if(NOT EXISTS "${corpus}")
      set(corpus "")
    endif()
    if(VIVIM_FUZZ)
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
      set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
      add_dependencies(vivim_fuzzers ${target})
      add_test(NAME ${target} COMMAND ${target} -runs=0 ${corpus})
    else()
      target_link_libraries(${target} PRIVATE vivim_fuzz_replay)
      add_test(NAME ${target} COMMAND ${target} ${corpus})
    endif()
    set_tests_properties(${target} PROPERTIES LABELS fuzz TIMEOUT 300)
  endforeach()

  if(benches AND VIVIM_BENCH)
    find_package(benchmark REQUIRED)
    add_executable(${name}_bench ${benches})
    target_link_libraries(${name}_bench PRIVATE ${lib} benchmark::benchmark_main ${test_deps} ${test_external} ${private_external})
    target_compile_definitions(${name}_bench PRIVATE VIVIM_SHARED_DATA="${CMAKE_SOURCE_DIR}/../shared/data")
    add_dependencies(vivim_benches ${name}_bench)
  endif()

  if(VIVIM_VERIFY)
    add_executable(${name}_link "${CMAKE_SOURCE_DIR}/cmake/link_test.cpp")
    target_link_libraries(${name}_link PRIVATE "$<LINK_LIBRARY:WHOLE_ARCHIVE,${lib}>")
    set_target_properties(${name}_link PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/link")
  endif()
endfunction()

# Generates <name>.pb.{h,cc} from proto/<file> as a system include of one library: nothing else may include it.
function(vivim_proto lib)
  set(out "${CMAKE_BINARY_DIR}/proto")
  file(MAKE_DIRECTORY "${out}")
  foreach(file ${ARGN})
    get_filename_component(base "${file}" NAME_WE)
    set(generated "${out}/${base}.pb.cc" "${out}/${base}.pb.h")
    add_custom_command(OUTPUT ${generated}
      COMMAND protobuf::protoc --cpp_out=lite:${out} -I "${CMAKE_SOURCE_DIR}/proto" "${CMAKE_SOURCE_DIR}/proto/${file}"
      DEPENDS "${CMAKE_SOURCE_DIR}/proto/${file}" VERBATIM)
    set_source_files_properties("${out}/${base}.pb.cc" PROPERTIES
      COMPILE_OPTIONS "-w" SKIP_PRECOMPILE_HEADERS ON)
    target_sources(${lib} PRIVATE ${generated})
  endforeach()
  target_include_directories(${lib} SYSTEM PRIVATE "${out}")
endfunction()
