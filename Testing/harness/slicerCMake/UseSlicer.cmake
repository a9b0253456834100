# The macros of Slicer and CTK that the extension calls, as strict as theirs about arguments and missing files.
include(CTest)

macro(ctkMacroCompilePythonScript)
  cmake_parse_arguments(MY "NO_INSTALL_SUBDIR" "TARGET_NAME;SOURCE_DIR;DESTINATION_DIR;INSTALL_DIR" "SCRIPTS;RESOURCES" ${ARGN})
  if(MY_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "Unknown arguments: ${MY_UNPARSED_ARGUMENTS}")
  endif()
  foreach(name TARGET_NAME SCRIPTS DESTINATION_DIR INSTALL_DIR)
    if(NOT MY_${name})
      message(FATAL_ERROR "${name} is mandatory")
    endif()
  endforeach()
  foreach(file ${MY_SCRIPTS} ${MY_RESOURCES})
    # A file that is not there is an error; one that is not listed is not copied.
    configure_file(${CMAKE_CURRENT_SOURCE_DIR}/${file} ${MY_DESTINATION_DIR}/${file} COPYONLY)
  endforeach()
  add_custom_target(Copy${MY_TARGET_NAME}PythonScriptFiles)
  set(directory ${MY_DESTINATION_DIR})
  if(MY_NO_INSTALL_SUBDIR)
    set(directory ${MY_DESTINATION_DIR}/)
  endif()
  install(DIRECTORY ${directory} DESTINATION ${MY_INSTALL_DIR} COMPONENT RuntimeLibraries)
endmacro()

macro(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MODULE "WITH_GENERIC_TESTS;WITH_SUBDIR;VERBOSE" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(MODULE_UNPARSED_ARGUMENTS OR NOT MODULE_NAME)
    message(FATAL_ERROR "Unknown keywords or no NAME: ${MODULE_UNPARSED_ARGUMENTS}")
  endif()
  ctkMacroCompilePythonScript(
    TARGET_NAME ${MODULE_NAME}
    SCRIPTS "${MODULE_SCRIPTS}"
    RESOURCES "${MODULE_RESOURCES}"
    DESTINATION_DIR ${CMAKE_BINARY_DIR}/${Slicer_QTSCRIPTEDMODULES_LIB_DIR}
    INSTALL_DIR ${Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR}
    NO_INSTALL_SUBDIR
    )
  if(BUILD_TESTING AND MODULE_WITH_GENERIC_TESTS)
    file(APPEND ${CMAKE_BINARY_DIR}/tests.txt "generic\n")
  endif()
endmacro()

macro(slicer_add_python_unittest)
  cmake_parse_arguments(UNIT "" "SCRIPT;TESTNAME_PREFIX" "SLICER_ARGS" ${ARGN})
  if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${UNIT_SCRIPT} OR UNIT_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "No test in ${UNIT_SCRIPT}, or unknown arguments: ${UNIT_UNPARSED_ARGUMENTS}")
  endif()
  get_filename_component(name ${UNIT_SCRIPT} NAME_WE)
  # Two tests of one name are an error of CMake.
  add_test(NAME py_${UNIT_TESTNAME_PREFIX}${name} COMMAND ${CMAKE_COMMAND} -E true)
  file(APPEND ${CMAKE_BINARY_DIR}/tests.txt "py_${UNIT_TESTNAME_PREFIX}${name} ${UNIT_SLICER_ARGS}\n")
endmacro()
