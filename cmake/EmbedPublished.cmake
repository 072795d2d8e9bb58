# telltale_embed_published(<folder> <source>): writes <source>, which defines study::published_files(): every paper's
# published numbers, <folder>/*.json, as text in the program. An edited, new or removed file configures again.
function(telltale_embed_published folder source)
  file(GLOB papers CONFIGURE_DEPENDS ${folder}/*.json)
  set(TELLTALE_PUBLISHED "")
  foreach(paper IN LISTS papers)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${paper})
    get_filename_component(name ${paper} NAME)
    file(READ ${paper} text)
    string(APPEND TELLTALE_PUBLISHED "      {\"${name}\", R\"embedded(${text})embedded\"},\n")
  endforeach()
  configure_file(${PROJECT_SOURCE_DIR}/cmake/published_files.cpp.in ${source} @ONLY)
endfunction()
