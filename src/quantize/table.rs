//! Samples from a folder of `.npy` files or from comma-separated text, as the arrays that an `.npz` file would hold.

use super::code;
use crate::npz::{self, Array, Npz};
use std::fs::File;
use std::path::{Path, PathBuf};
use tinyc_ir::wording::words;
use tinyc_ir::{Data, Diagnostic};

/// Reads a file or folder of samples; `inputs` are the numbers of elements of the model's inputs.
///
/// # Errors
/// What [`npz::read`] refuses; a folder without arrays or with arrays that do not go together; text that is no table of numbers.
pub(super) fn read(path: &Path, elements: &[usize]) -> Result<Npz, Diagnostic> {
    if path.is_dir() {
        return folder(path);
    }
    match path.extension().and_then(|e| e.to_str()) {
        Some(ending) if ending.eq_ignore_ascii_case("csv") => csv(path, elements),
        _ => npz::read(path),
    }
}

/// The `.npy` files of a folder in the order of their names, one sample each, stacked.
fn folder(path: &Path) -> Result<Npz, Diagnostic> {
    let name = path.display().to_string();
    let refuse = |message: String| Diagnostic::error(code::DATA, message).at(&name);
    let entries =
        std::fs::read_dir(path).map_err(|e| refuse(format!("the folder cannot be read: {}", words(&e))))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "npy"))
        .collect();
    files.sort();
    let mut all: Option<Array> = None;
    for file in &files {
        let Some((_, array)) = npz::read(file)?.arrays.into_iter().next() else {
            return Err(refuse(format!("{} holds no numbers", file.display())));
        };
        match &mut all {
            None => {
                let shape = [vec![1], array.shape].concat();
                all = Some(Array { shape, data: array.data });
            }
            Some(all) => {
                let alike = all.shape[1..] == array.shape[..] && all.data.dtype() == array.data.dtype();
                if !alike {
                    let (own, first) = (array.shape, &all.shape[1..]);
                    return Err(refuse(format!(
                        "{} has shape {own:?}, the files before {first:?}",
                        file.display()
                    ))
                    .help("one sample in each file, all of one shape and type"));
                }
                all.shape[0] += 1;
                append(&mut all.data, array.data);
            }
        }
    }
    match all {
        Some(array) => Ok(Npz { name, arrays: vec![("arr_0".into(), array)], ..Npz::default() }),
        None => Err(refuse("the folder has no .npy file".into()).help("numpy.save(\"samples/000.npy\", x)")),
    }
}

fn append(all: &mut Data, more: Data) {
    macro_rules! each {
        ($($kind:ident),+) => {
            match (all, more) {
                $((Data::$kind(all), Data::$kind(more)) => all.extend(more),)+
                _ => unreachable!("the types were compared"),
            }
        };
    }
    each!(Bool, I8, I16, I32, I64, U8, U16, U32, U64, F32, F64, F16, BF16, I4, U4, I2, U2);
}

/// Rows of numbers: one sample each, its elements row-major, and the class behind them if there is one more column or one that
/// is called `label`. A first row of words names the columns.
fn csv(path: &Path, elements: &[usize]) -> Result<Npz, Diagnostic> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let refuse = |message: String| Diagnostic::error(code::DATA, message).at(&name);
    let &[wanted] = elements else {
        return Err(refuse("a table holds samples of one input, and the model has several".into())
            .help("use an .npz file with one array for each input"));
    };
    let file = File::open(path).map_err(|e| {
        refuse(format!("the table cannot be read: {}", words(&e))).at(path.display().to_string())
    })?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).from_reader(file);
    let (mut values, mut labels, mut rows) = (Vec::new(), Vec::new(), 0);
    let mut label_column = None;
    for (line, record) in reader.records().enumerate() {
        let record = record.map_err(|e| refuse(format!("the table cannot be read: {e}")))?;
        let numbers: Option<Vec<f32>> = record.iter().map(|cell| cell.parse().ok()).collect();
        let Some(numbers) = numbers else {
            if line == 0 {
                label_column = record.iter().position(|word| ["label", "labels", "class"].contains(&word));
                continue;
            }
            return Err(refuse(format!("row {} holds something that is no number", line + 1)));
        };
        let label = match numbers.len() {
            n if n == wanted => None,
            n if n == wanted + 1 => Some(label_column.unwrap_or(wanted)),
            n => {
                return Err(refuse(format!("row {} has {n} numbers, but a sample has {wanted}", line + 1))
                    .help(
                        "one row for each sample, its elements row-major, and perhaps its class behind them",
                    ));
            }
        };
        for (column, &x) in numbers.iter().enumerate() {
            if Some(column) == label { labels.push(x) } else { values.push(x) }
        }
        rows += 1;
    }
    if rows == 0 {
        return Err(refuse("the table holds no sample".into()));
    }
    let mut arrays = vec![("arr_0".to_owned(), Array { shape: vec![rows, wanted], data: Data::F32(values) })];
    if labels.len() == rows {
        arrays.push(("labels".into(), Array { shape: vec![rows], data: Data::F32(labels) }));
    }
    Ok(Npz { name, arrays, ..Npz::default() })
}
