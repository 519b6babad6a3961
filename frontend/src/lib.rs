//! ONNX files into graphs.
