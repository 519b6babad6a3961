# Networks in CMake: tinyc_add_model() makes a library target of an ONNX file, compiled again when the file changes. This
# file is all there is to copy.
#
#     include(tinyc.cmake)
#     tinyc_add_model(kws MODEL kws.onnx TARGET cortex-m4 EMIT obj)
#     target_link_libraries(firmware PRIVATE kws)      # and main.c includes "kws.h"
#
# tinyc_add_model(<library>
#     MODEL <file.onnx>                relative to the current source folder
#     TARGET <core, chip or board>     as `tinyc targets` lists them
#     [EMIT c|obj]                     C for the project's compiler (the default), or machine code
#     [NAME <name>]                    what the functions are called by; the library's name by default
#     [STATE <input>=<output> ...]     outputs that are an input of the next run
#     [SHAPE <input>=<1,3,9,7> ...]    dimensions that the model leaves open
#     [DEPENDS <file> ...]             what the model reads beside itself: external data
#     [OPTIONS <option> ...])          more for `tinyc compile`, such as --ram 64K
#
# The program is TINYC_EXECUTABLE; it is looked for in PATH and in cargo's folder if it is not set.
include_guard(GLOBAL)
cmake_minimum_required(VERSION 3.16)

# The program runs on this machine, also where CMake builds for another one.
find_program(TINYC_EXECUTABLE tinyc
    HINTS ENV CARGO_HOME "$ENV{HOME}/.cargo" PATH_SUFFIXES bin
    DOC "The compiler tinyc" NO_CMAKE_FIND_ROOT_PATH)

function(tinyc_add_model library)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "MODEL;TARGET;EMIT;NAME" "STATE;SHAPE;DEPENDS;OPTIONS")
    foreach(name MODEL TARGET)
        if(NOT arg_${name})
            message(FATAL_ERROR "tinyc_add_model(${library}): ${name} is missing")
        endif()
    endforeach()
    if(arg_UNPARSED_ARGUMENTS OR arg_KEYWORDS_MISSING_VALUES)
        message(FATAL_ERROR "tinyc_add_model(${library}): cannot make sense of: "
            "${arg_UNPARSED_ARGUMENTS} ${arg_KEYWORDS_MISSING_VALUES}")
    endif()
    if(NOT TINYC_EXECUTABLE)
        message(FATAL_ERROR "tinyc_add_model(${library}): the program tinyc is not in PATH; "
            "install it, or set -DTINYC_EXECUTABLE=<path>")
    endif()
    if(NOT arg_EMIT)
        set(arg_EMIT c)
    endif()
    if(NOT arg_NAME)
        set(arg_NAME ${library})
    endif()
    if(arg_EMIT STREQUAL "c")
        set(ending c)
    elseif(arg_EMIT STREQUAL "obj")
        set(ending o)
    else()
        message(FATAL_ERROR "tinyc_add_model(${library}): EMIT is c or obj, not ${arg_EMIT}")
    endif()

    get_filename_component(model "${arg_MODEL}" ABSOLUTE)
    set(folder "${CMAKE_CURRENT_BINARY_DIR}/tinyc/${library}")
    set(code "${folder}/${arg_NAME}.${ending}")
    set(header "${folder}/${arg_NAME}.h")
    set(options "")
    foreach(state IN LISTS arg_STATE)
        list(APPEND options --state "${state}")
    endforeach()
    foreach(shape IN LISTS arg_SHAPE)
        list(APPEND options --shape "${shape}")
    endforeach()
    add_custom_command(
        OUTPUT "${code}" "${header}"
        BYPRODUCTS "${folder}/${arg_NAME}.report.json"
        COMMAND "${TINYC_EXECUTABLE}" compile "${model}" --target "${arg_TARGET}" --emit "${arg_EMIT}"
            --name "${arg_NAME}" --out "${folder}" ${options} ${arg_OPTIONS}
        DEPENDS "${model}" "${TINYC_EXECUTABLE}" ${arg_DEPENDS}
        COMMENT "Compiling the network ${arg_NAME} for ${arg_TARGET}"
        VERBATIM)
    add_library(${library} STATIC "${code}" "${header}")
    if(arg_EMIT STREQUAL "obj")
        set_source_files_properties("${code}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
        set_target_properties(${library} PROPERTIES LINKER_LANGUAGE C)
    else()
        set_target_properties(${library} PROPERTIES C_STANDARD 99)
        # The C is written for an optimiser, whatever the build type.
        target_compile_options(${library} PRIVATE $<$<C_COMPILER_ID:GNU,Clang>:-O2>)
    endif()
    target_include_directories(${library} PUBLIC "${folder}")
endfunction()
