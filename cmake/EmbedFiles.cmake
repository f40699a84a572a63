# Makes a C++ source that holds the contents of files, so that a program needs no data files beside
# it. Run as a script by mcunet_embed_files(); OUTPUT, HEADER, NAMESPACE, FUNCTION and FILES (separated
# by commas) come from the command line.
#
#   mcunet_embed_files(deploy FUNCTION embedded_templates HEADER templates.hpp NAMESPACE mcunet::deploy
#     FILES a.c b.c)
#
# adds a source to the module that defines `std::span<const EmbeddedFile> embedded_templates()` as
# HEADER declares it in the namespace.

if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(MCUNET_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
  function(mcunet_embed_files module)
    cmake_parse_arguments(EMBED "" "FUNCTION;HEADER;NAMESPACE" "FILES" ${ARGN})
    set(output ${CMAKE_CURRENT_BINARY_DIR}/generated/${EMBED_FUNCTION}.cpp)
    list(TRANSFORM EMBED_FILES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE files)
    list(JOIN files "," joined)
    add_custom_command(
      OUTPUT ${output}
      COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -DHEADER=${EMBED_HEADER}
              -DNAMESPACE=${EMBED_NAMESPACE} -DFUNCTION=${EMBED_FUNCTION} "-DFILES=${joined}"
              -P ${MCUNET_EMBED_SCRIPT}
      DEPENDS ${files} ${MCUNET_EMBED_SCRIPT}
      VERBATIM)
    target_sources(mcunet_${module} PRIVATE ${output})
  endfunction()
  return()
endif()

string(REPLACE "," ";" FILES "${FILES}")
set(entries "")
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  file(READ ${file} contents)
  string(APPEND entries "    {\"${name}\", R\"EMBEDDED(${contents})EMBEDDED\"},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"${HEADER}\"

namespace ${NAMESPACE} {

std::span<const EmbeddedFile> ${FUNCTION}() {
  static constexpr EmbeddedFile kFiles[] = {
${entries}};
  return kFiles;
}

}  // namespace ${NAMESPACE}
")
