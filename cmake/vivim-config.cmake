# find_package(vivim): VIVIM's libraries as vivim::<component>, and the packages that they need.

include("${CMAKE_CURRENT_LIST_DIR}/vivim_packages.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/vivim_targets.cmake")
foreach(component ${vivim_FIND_COMPONENTS})
  if(TARGET vivim::${component})
    set(vivim_${component}_FOUND TRUE)
  elseif(vivim_FIND_REQUIRED_${component})
    set(vivim_FOUND FALSE)
    set(vivim_NOT_FOUND_MESSAGE "vivim has no component ${component}")
  endif()
endforeach()
