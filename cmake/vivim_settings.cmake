# Language level, warnings, sanitizers and the precompiled standard headers: the same for every target.

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR
    "VIVIM is built with clang-19 or newer; found ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}. "
    "GCC 12 miscompiles coroutines (docs/adr/0002). Run `make build`, or configure with a preset of CMakePresets.json.")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)  # -fPIE for all instead: one precompiled header serves libraries and programs
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_C_VISIBILITY_PRESET hidden)

set(VIVIM_SANITIZE "" CACHE STRING "Sanitizers for every target, as in -fsanitize=")
option(VIVIM_FUZZ "Build the libFuzzer targets" OFF)
option(VIVIM_COVERAGE "Instrument for llvm-cov" OFF)
option(VIVIM_BENCH "Build the benchmarks" ON)
option(VIVIM_UNITY "Compile the files of a module together, which is much faster; off, each file alone" ON)
option(VIVIM_VERIFY "Compile every public header alone and link every module alone" ON)

add_compile_options(-Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Wconversion
  -Wno-sign-conversion -Wimplicit-fallthrough -Wextra-semi -Wunused -Wnull-dereference
  -Wno-missing-designated-field-initializers
  -fPIE -fno-omit-frame-pointer -fstack-protector-strong -fdiagnostics-color=auto)
add_link_options(-fuse-ld=lld -pie -Wl,--as-needed)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_definitions(_FORTIFY_SOURCE=2)
else()
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
endif()
if(VIVIM_SANITIZE)
  # A null pointer and what lies outside an object are seen by AddressSanitizer too; looking twice is a third of the time to build.
  add_compile_options(-fsanitize=${VIVIM_SANITIZE} -fno-sanitize=null,object-size -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${VIVIM_SANITIZE})
endif()
if(VIVIM_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(VIVIM_COVERAGE)
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate)
endif()

# What one copy of the repository has compiled, the cache gives to every other: nothing that it is found by holds an absolute path.
# A precompiled header does; the cache knows it by what it is made of (its .sum). Dependency files tell it the rest (CCACHE_DEPEND):
# nothing is preprocessed for its sake.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=1 CCACHE_PCH_EXTSUM=1 CCACHE_DEPEND=1
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime "${CCACHE}")
endif()

# One precompiled set of standard headers, shared by every module (style: no heavy library in it); and the same for their tests.
# Its name has no path in it, so that the file that CMake makes of it is the same in every copy of the repository.
set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -include-pch <PCH_FILE>)
foreach(pch vivim_pch vivim_test_pch)
  add_library(${pch} STATIC "${CMAKE_SOURCE_DIR}/cmake/pch.cpp")
  target_include_directories(${pch} PRIVATE "${CMAKE_SOURCE_DIR}/cmake")
  target_precompile_headers(${pch} PRIVATE <pch.hpp>)
  target_compile_options(${pch} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  target_compile_definitions(${pch} PRIVATE BOOST_ASIO_SEPARATE_COMPILATION)
  set(sum "${CMAKE_BINARY_DIR}/CMakeFiles/${pch}.dir/cmake_pch.hxx.pch.sum")
  add_custom_command(OUTPUT "${sum}"
    COMMAND "${CMAKE_CXX_COMPILER}" -std=c++23 -x c++ -E -P -dD -MD -MF "${sum}.d" -MT "${sum}" -o "${sum}" "${CMAKE_SOURCE_DIR}/cmake/pch.hpp"
    DEPENDS "${CMAKE_SOURCE_DIR}/cmake/pch.hpp" DEPFILE "${sum}.d" VERBATIM)
  add_custom_target(${pch}_sum DEPENDS "${sum}")
  add_dependencies(${pch} ${pch}_sum)
endforeach()
add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
# What is tested is built for speed, the tests themselves to be built fast: sanitizers make optimising several times dearer.
if(VIVIM_SANITIZE)
  set(VIVIM_TEST_OPTIONS -O0)
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(VIVIM_TEST_OPTIONS -O1)
endif()
target_compile_options(vivim_test_pch PRIVATE ${VIVIM_TEST_OPTIONS})
