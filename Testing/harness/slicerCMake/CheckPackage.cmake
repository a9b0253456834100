# As Slicer's packaging: both files are needed.
foreach(name LICENSE_FILE README_FILE)
  if(NOT EXISTS "${EXTENSION_${name}}")
    message(FATAL_ERROR "EXTENSION_${name} is not there: ${EXTENSION_${name}}")
  endif()
endforeach()
