static uint64_t tinyc_f64_float_bits(double x)
{
    union { double number; uint64_t bits; } view;
    view.number = x;
    return view.bits;
}
