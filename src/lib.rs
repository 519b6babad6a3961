//! tinyc compiles a trained neural network (ONNX) ahead of time into code for a microcontroller.
