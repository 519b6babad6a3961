static double tinyc_f64_float_from_bits(uint64_t bits)
{
    union { uint64_t bits; double number; } view;
    view.bits = bits;
    return view.number;
}
