# mcunet_embed(output.cpp NAMESPACE mcunet::engine FUNCTION kernel_files FOLDER dir FILES a.c b.h): writes a
# C++ source whose function returns the files' names and contents, so that the program needs no files beside it.
function(mcunet_embed output)
  cmake_parse_arguments(EMBED "" "NAMESPACE;FUNCTION;FOLDER" "FILES" ${ARGN})
  set(paths ${EMBED_FILES})
  list(TRANSFORM paths PREPEND ${EMBED_FOLDER}/)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -DNAMESPACE=${EMBED_NAMESPACE}
            -DFUNCTION=${EMBED_FUNCTION} -DFOLDER=${EMBED_FOLDER} "-DFILES=${EMBED_FILES}"
            -P ${PROJECT_SOURCE_DIR}/cmake/EmbedFilesScript.cmake
    DEPENDS ${paths} ${PROJECT_SOURCE_DIR}/cmake/EmbedFilesScript.cmake
    VERBATIM)
endfunction()
