/* Sine. */
static float tinyc_sin(float x)
{
    return tinyc_sin_quadrant(x, 0u);
}
