# Settings that every target of the project shares, and mcunet_module(), which makes one library a
# module: mcunet_module(engine SOURCES … PUBLIC mcunet::core PRIVATE … PRECOMPILED fmt/format.h …). Headers
# that cost much are precompiled; sources include them all the same.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # Without this sloppiness it would not cache what uses a precompiled header.
  set(CCACHE_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_LAUNCHER})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_LAUNCHER})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wshadow -Wpedantic)
# Designated initializers leave the other members at their defaults on purpose.
add_compile_options(-Wno-missing-field-initializers)
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>)
if(MCUNET_WARNINGS_AS_ERRORS)
  add_compile_options(-Werror)
endif()
if(MCUNET_SANITIZE)
  add_compile_options(-fsanitize=${MCUNET_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MCUNET_SANITIZE})
endif()

function(mcunet_module name)
  cmake_parse_arguments(MODULE "" "" "SOURCES;PUBLIC;PRIVATE;PRECOMPILED" ${ARGN})
  add_library(mcunet_${name} STATIC ${MODULE_SOURCES})
  add_library(mcunet::${name} ALIAS mcunet_${name})
  target_include_directories(mcunet_${name} PUBLIC ${PROJECT_SOURCE_DIR}/include
                                            PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(mcunet_${name} PUBLIC ${MODULE_PUBLIC} PRIVATE ${MODULE_PRIVATE})
  mcunet_precompile(mcunet_${name} ${MODULE_PRECOMPILED})
endfunction()

# For targets that read, print and call libraries: what takes time is elsewhere, and their headers' templates take a
# fifth to a third less to compile.
function(mcunet_optimize_little)
  foreach(target IN LISTS ARGN)
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  endforeach()
endfunction()

# For C++ alone, where a target has C sources too.
function(mcunet_precompile target)
  foreach(header IN LISTS ARGN)
    target_precompile_headers(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:<${header}$<ANGLE-R>>)
  endforeach()
endfunction()
