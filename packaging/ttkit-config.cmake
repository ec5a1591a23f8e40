# Imported target ttkit::ttkit.
get_filename_component(_ttkit_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET ttkit::ttkit)
  add_library(ttkit::ttkit SHARED IMPORTED)
  set_target_properties(ttkit::ttkit PROPERTIES
    IMPORTED_LOCATION "${_ttkit_prefix}/lib/libttkit.so"
    IMPORTED_SONAME "libttkit.so.0"
    INTERFACE_INCLUDE_DIRECTORIES "${_ttkit_prefix}/include")
endif()
