static float tinyc_float_from_bits(uint32_t bits)
{
    union { uint32_t u; float f; } view;
    view.u = bits;
    return view.f;
}
