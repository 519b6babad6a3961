//! Words that an emitted file must not use as names of its own. Which names are used instead is decided in
//! [`super::names`].

/// Keywords of C and C++, macros that common compilers and headers define, extensions of compilers for small machines.
/// Macros in capitals are not among them: no name is written so.
const WORDS: &str = "
    Serial alignas alignof and and_eq arm asm assert auto avr bit bitand bitor bool break case catch cdecl char class
    co_await co_return co_yield code compl complex concept const const_cast consteval constexpr constinit continue
    data decltype default delete do double dynamic_cast else enum errno explicit export extern false far float for
    friend goto huge hyper i386 idata if imaginary inline int interface interrupt linux long main mips mutable
    namespace near new noexcept nonnull noreturn not not_eq nullptr offsetof operator or or_eq pascal private
    protected public reentrant register reinterpret_cast requires restrict return riscv sbit short signed sizeof
    small static static_assert static_cast stderr stdin stdout struct sun switch template this thread_local throw
    true try typedef typeid typename typeof typeof_unqual union unix unsigned using vax virtual void volatile while
    xdata xor xor_eq
";

/// Headers of C and of its common libraries, in small letters: a header of that name would be found in their place.
const HEADERS: &str = "
    alloca arm_acle arm_neon assert complex ctype endian errno fcntl features fenv float getopt inttypes iso646 limits
    locale malloc math memory pthread sched setjmp signal stdalign stdarg stdatomic stdbit stdbool stdckdint stddef
    stdint stdio stdlib stdnoreturn string strings tgmath threads time uchar unistd wchar wctype
";

/// Functions of the C library that compilers know without a declaration: a static function or array of that name is
/// warned about or refused. `float` and `long double` variants, which only add a suffix, are left out.
const LIBRARY: &str = "
    abort abs acos acosh aligned_alloc alloca asctime asin asinh atan atan2 atanh atexit atof atoi atol bcmp bcopy
    bsearch bzero cabs cacos cacosh calloc carg casin casinh catan catanh cbrt ccos ccosh ceil cexp cimag clock clog
    clog10 conj copysign cos cosh cpow cproj creal csin csinh csqrt ctan ctanh ctime dcgettext dgettext difftime div
    drem erf erfc execl execle execlp execv execve execvp exit exp exp10 exp2 expm1 fabs fclose fdim feclearexcept
    fegetenv fegetexceptflag fegetround feholdexcept feof feraiseexcept ferror fesetenv fesetexceptflag fesetround
    fetestexcept feupdateenv ffs ffsimax fgetc fgets finite floor fma fmax fmin fmod fopen fork fprintf
    fprintf_unlocked fputc fputc_unlocked fputs fputs_unlocked fread free frexp fscanf fseek ftell fwrite
    fwrite_unlocked gamma getc getchar getenv gets gettext gmtime hypot ilogb imaxabs index isalnum isalpha isascii
    isblank iscntrl isdigit isgraph isinf islower isnan isprint ispunct isspace isupper iswalnum iswalpha iswblank
    iswcntrl iswdigit iswgraph iswlower iswprint iswpunct iswspace iswupper iswxdigit isxdigit j0 j1 jn labs ldexp
    ldiv lgamma llabs lldiv llrint llround localtime log log10 log1p log2 logb longjmp lrint lround malloc memccpy
    memchr memcmp memcpy memmove mempcpy memset mktime modf nan nearbyint nextafter nexttoward perror posix_memalign
    pow pow10 printf printf_unlocked putc putc_unlocked putchar putchar_unlocked puts puts_unlocked qsort raise rand
    realloc remainder remove remquo rename rewind rindex rint round roundeven scalb scalbln scalbn scanf setbuf
    setjmp signal signbit significand sin sincos sinh snprintf sprintf sqrt srand sscanf stpcpy stpncpy strcasecmp
    strcat strchr strcmp strcoll strcpy strcspn strdup strerror strfmon strftime strlcat strlcpy strlen strncasecmp
    strncat strncmp strncpy strndup strnlen strpbrk strrchr strspn strstr strtod strtof strtok strtol strtoul
    strxfrm system tan tanh tgamma time toascii tolower toupper towlower towupper trunc ungetc vfork vfprintf
    vfscanf vprintf vscanf vsnprintf vsprintf vsscanf y0 y1 yn
";

/// Ends of the names of one library function's variants.
const VARIANTS: &[&str] =
    &["f", "l", "_r", "f_r", "l_r", "f16", "f32", "f32x", "f64", "f64x", "f128", "d32", "d64", "d128"];

/// Whether C, C++ or the included headers own the name everywhere.
pub(super) fn is_word(name: &str) -> bool {
    WORDS.split_ascii_whitespace().any(|word| word == name) || name.starts_with('_') || name.ends_with("_t")
}

/// Whether a header of that name is another's, on file systems that ignore case too.
pub(super) fn is_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    HEADERS.split_ascii_whitespace().any(|header| header == name)
}

/// Whether the name belongs to a function of the C library, so that nothing else at file scope may have it.
pub(super) fn is_library(name: &str) -> bool {
    let known = |name: &str| LIBRARY.split_ascii_whitespace().any(|word| word == name);
    known(name) || VARIANTS.iter().any(|end| name.strip_suffix(end).is_some_and(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_library_functions_and_headers_are_known() {
        for name in ["int", "class", "int8_t", "_x", "register", "linux"] {
            assert!(is_word(name), "{name}");
        }
        for name in ["math", "Limits", "stdint", "Time"] {
            assert!(is_header(name), "{name}");
        }
        for name in ["exp", "expf", "sqrtl", "roundf64", "y0", "memcpy", "index", "lgammaf_r"] {
            assert!(is_library(name), "{name}");
        }
        for name in ["x", "conv1", "min_i32", "output", "weight", "bias", "softmax_12", "copy", "add_320"] {
            assert!(!is_word(name) && !is_library(name) && !is_header(name), "{name}");
        }
    }
}
