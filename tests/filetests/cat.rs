//! `; test cat`: what was parsed, printed; or what is wrong with the text. Printed text is a fixed point.

use crate::SubTest;
use crate::case::Case;
use tinyc_ir::text::{parse_graph, parse_program};

pub(crate) struct Cat;

impl SubTest for Cat {
    const NAME: &'static str = "cat";

    fn run(case: &Case, _argument: &str) -> Result<String, String> {
        let (first, second) = if case.is_program() {
            let first = case.parse_program().map(|p| p.to_string());
            (first.clone(), first.and_then(|text| parse_program("printed", &text)).map(|p| p.to_string()))
        } else {
            let first = case.parse_graph().map(|g| g.to_string());
            (first.clone(), first.and_then(|text| parse_graph("printed", &text)).map(|g| g.to_string()))
        };
        match (first, second) {
            (Ok(first), Ok(second)) if first == second => Ok(first),
            (Ok(first), Ok(second)) => Err(format!("printed text is not a fixed point:\n{first}\n{second}")),
            (Ok(first), Err(e)) => Err(format!("printed text does not parse:\n{first}\n{e}")),
            (Err(e), _) => Ok(e.to_string()),
        }
    }
}
