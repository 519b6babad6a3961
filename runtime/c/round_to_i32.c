/* Nearest integer, ties to the even one; saturates, NaN gives 0. */
static int32_t tinyc_round_to_i32(float x)
{
    return tinyc_to_i32(tinyc_round_ties_even(x));
}
