//! The top of an emitted source file: what it demands from the compiler, and the hooks it offers. No arithmetic.

use super::comment::block;
use super::packed;

/// What the program needs checked or defined.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needs {
    /// It computes with floats.
    pub(super) floats: bool,
    /// Some array is aligned beyond its element.
    pub(super) alignment: bool,
    /// Some packed operation is used and may use instructions.
    pub(super) dsp: bool,
    /// The arena holds different types one after the other, none of them bytes.
    pub(super) fence: bool,
}

/// Checks, hooks and macros, in this order. `prefix` and `upper` start the names.
pub(super) fn prelude(prefix: &str, upper: &str, needs: Needs) -> String {
    let mut out = String::new();
    if needs.floats {
        out.push_str(FLOATS);
    }
    out.push_str(CHECKS);
    let hooks = format!(
        "Hooks for profiling and verification: {upper}_AFTER_LAYER(index) runs after each layer of the table above \
         and may use the parameters of {prefix}_run by their names. Define it on the command line, or in a header \
         whose name, with quotes, is {upper}_HOOKS. Undefined, it costs nothing."
    );
    out.push_str(&format!(
        "{}#ifdef {upper}_HOOKS\n#include {upper}_HOOKS\n#endif\n\
         #ifndef {upper}_AFTER_LAYER\n#define {upper}_AFTER_LAYER(index) ((void)0)\n#endif\n\n",
        block(&hooks, 0)
    ));
    out.push_str(&format!(
        "/* Layers stay functions of their own: inlined into one, they would compete for registers. */\n\
         #if defined(__GNUC__)\n#define {upper}_LAYER static __attribute__((noinline))\n\
         #else\n#define {upper}_LAYER static\n#endif\n\n"
    ));
    if needs.fence {
        out.push_str(&format!(
            "/* The arena holds numbers of several types in turn. No access moves across the end of a\n \
              * layer. */\n\
             #ifdef __GNUC__\n#define {upper}_FENCE() __asm__ volatile(\"\" ::: \"memory\")\n\
             #else\n#define {upper}_FENCE() ((void)0)\n#endif\n\n"
        ));
    }
    if needs.alignment {
        out.push_str(&format!(
            "/* Alignment of constants, for wide loads. */\n\
             #if defined({upper}_ALIGNED)\n\
             #elif defined(__GNUC__)\n#define {upper}_ALIGNED(n) __attribute__((aligned(n)))\n\
             #elif defined(__ICCARM__) || defined(__ICCRISCV__)\n\
             #define {upper}_PRAGMA(text) _Pragma(#text)\n\
             #define {upper}_ALIGNED(n) {upper}_PRAGMA(data_alignment = n)\n\
             #elif defined(__CC_ARM)\n#define {upper}_ALIGNED(n) __align(n)\n\
             #elif defined(_MSC_VER)\n#define {upper}_ALIGNED(n) __declspec(align(n))\n\
             #elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L\n\
             #define {upper}_ALIGNED(n) _Alignas(n)\n\
             #else\n#error \"define {upper}_ALIGNED(n): how to align an array to n bytes\"\n\
             #endif\n\n"
        ));
    }
    out.push_str(&packed::features(upper, needs.dsp));
    out
}

/// Assumptions about integers, checked while compiling.
const CHECKS: &str = "\
/* What C leaves to the compiler and this file relies on: every known one does it so. */
#if (-1 >> 1) != -1
#error \"shifts to the right must keep the sign\"
#endif
typedef char int_has_32_bits[sizeof(int) >= 4 ? 1 : -1];
typedef char narrowing_wraps[(int8_t)200 == -56 ? 1 : -1];

";

/// Bit-exact floats: each operation rounded once, in its own type, none left out.
const FLOATS: &str = "\
/* Results are exact to the bit: every float operation is rounded once, to its own type. */
#ifdef __FAST_MATH__
#error \"build this file without -ffast-math\"
#endif
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16
#error \"build this file for a target that computes float as float (on x86: -mfpmath=sse)\"
#endif
#if defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize(\"fp-contract=off\")
#endif

";
