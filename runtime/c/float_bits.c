static uint32_t tinyc_float_bits(float x)
{
    union { float f; uint32_t u; } view;
    view.f = x;
    return view.u;
}
