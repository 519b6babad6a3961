/* Cosine. */
static float tinyc_cos(float x)
{
    return tinyc_sin_quadrant(x, 1u);
}
