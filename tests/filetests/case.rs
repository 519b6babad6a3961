//! One `.tir` file: its tests and inputs, and what it expects.

use tinyc_ir::loops::Program;
use tinyc_ir::{DType, Data, Diagnostics, Graph, Tensor, text};

/// A file, read.
pub(crate) struct Case {
    /// Its path below `tests/ir`, which errors name.
    pub(crate) name: String,
    /// What its `; test` lines say.
    pub(crate) tests: Vec<String>,
    /// Names and data of its `; input` lines.
    inputs: Vec<(String, String)>,
    /// Everything but the expectations.
    pub(crate) source: String,
}

impl Case {
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self, String> {
        let end = text.find("\n; expect ").map_or(text.len(), |at| at + 1);
        let source = text[..end].trim_end().to_string() + "\n";
        let mut case =
            Self { name: name.into(), tests: Vec::new(), inputs: Vec::new(), source: source.clone() };
        for line in source.lines().take_while(|l| l.starts_with(';') || l.trim().is_empty()) {
            if let Some(test) = line.strip_prefix("; test ") {
                case.tests.push(test.trim().to_string());
            } else if let Some(input) = line.strip_prefix("; input ") {
                let (name, data) = input.split_once(" = ").ok_or("an input is `; input NAME = DATA`")?;
                case.inputs.push((name.trim().to_string(), data.to_string()));
            }
        }
        if case.tests.is_empty() { Err("the file has no `; test` line".into()) } else { Ok(case) }
    }

    /// The file as it should be if tests print this.
    pub(crate) fn with_expectations(&self, outputs: &[(String, String)]) -> String {
        let mut text = self.source.clone();
        for (test, output) in outputs {
            text += &format!("\n; expect {test}:\n");
            for line in output.trim_end().lines() {
                text += format!("; {line}").trim_end();
                text.push('\n');
            }
        }
        text
    }

    /// Whether the file holds a program and not a graph.
    pub(crate) fn is_program(&self) -> bool {
        self.source.lines().any(|l| l.starts_with("program"))
    }

    pub(crate) fn parse_graph(&self) -> Result<Graph, Diagnostics> {
        text::parse_graph(&self.name, &self.source)
    }

    pub(crate) fn parse_program(&self) -> Result<Program, Diagnostics> {
        text::parse_program(&self.name, &self.source)
    }

    /// A graph that can be evaluated.
    pub(crate) fn valid_graph(&self) -> Result<Graph, String> {
        let graph = self.parse_graph().map_err(|e| e.to_string())?;
        tinyc_ir::verify::verify(&graph).map_err(|e| e.to_string())?;
        Ok(graph)
    }

    /// A program that can be interpreted.
    pub(crate) fn valid_program(&self) -> Result<Program, String> {
        let program = self.parse_program().map_err(|e| e.to_string())?;
        match tinyc_ir::loops::verify(&program) {
            Ok(()) => Ok(program),
            Err(errors) => Err(errors.iter().map(|e| format!("{e}\n")).collect()),
        }
    }

    /// The data of the input of this name.
    pub(crate) fn input(&self, name: &str, dtype: DType, count: usize) -> Result<Data, String> {
        let (_, data) = self
            .inputs
            .iter()
            .find(|i| i.0 == name)
            .ok_or_else(|| format!("there is no line `; input {name} = …`"))?;
        text::parse_data(&format!("{}, input {name}", self.name), data, dtype, count)
            .map_err(|e| e.to_string())
    }

    /// The inputs of a graph, in its order.
    pub(crate) fn graph_inputs(&self, graph: &Graph) -> Result<Vec<Tensor>, String> {
        let tensor = |&input| {
            let data = &graph.values[input];
            let elements = self.input(&data.name, data.ty.dtype, data.ty.shape.elements())?;
            Ok(Tensor::new(data.ty.shape.clone(), elements))
        };
        graph.inputs.iter().map(tensor).collect()
    }
}
