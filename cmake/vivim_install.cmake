# What `cmake --install` installs: the libp2p library, the CRDT engine, and what they stand on, as static libraries with their headers, and
# a package: find_package(vivim COMPONENTS libp2p_host rt_asio).

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(VIVIM_INSTALLED "^(base|crypto|multiformats|rt|rt/asio|rt/sim|websocket|crdt|libp2p/.*)$")

# vivim_install_module(<path> <target>)
function(vivim_install_module path target)
  if(NOT path MATCHES "${VIVIM_INSTALLED}")
    return()
  endif()
  string(REPLACE "/" "_" name "${path}")
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(${target} PUBLIC cxx_std_23)
  install(TARGETS ${target} EXPORT vivim_targets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
endfunction()

# vivim_install_package(): after the last module.
function(vivim_install_package)
  set(folder "${CMAKE_INSTALL_LIBDIR}/cmake/vivim")
  get_property(externals GLOBAL PROPERTY VIVIM_EXTERNALS)
  install(TARGETS ${externals} EXPORT vivim_targets)
  install(EXPORT vivim_targets NAMESPACE vivim:: DESTINATION "${folder}")
  write_basic_package_version_file("${CMAKE_BINARY_DIR}/vivim-config-version.cmake" COMPATIBILITY SameMinorVersion)
  install(FILES "${CMAKE_SOURCE_DIR}/cmake/vivim-config.cmake" "${CMAKE_SOURCE_DIR}/cmake/vivim_packages.cmake"
    "${CMAKE_BINARY_DIR}/vivim-config-version.cmake" DESTINATION "${folder}")
endfunction()
