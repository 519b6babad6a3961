//! What a text backend must know about a kernel before its first line.

use std::collections::BTreeSet;
use tinyc_ir::loops::{ExprData, KernelData, Param, Stmt, Var};

/// What must be known about a kernel before its first line.
pub(crate) struct Facts {
    /// Whether it can end the run.
    pub(crate) fails: bool,
    /// The parameters that it reads or writes.
    pub(crate) accessed: BTreeSet<Param>,
    /// The registers that some expression reads.
    pub(crate) read: BTreeSet<Var>,
    /// The registers that change.
    pub(crate) assigned: BTreeSet<Var>,
}

impl Facts {
    /// Looks through the kernel once.
    pub(crate) fn of(kernel: &KernelData) -> Self {
        let (mut accessed, mut read) = (BTreeSet::new(), BTreeSet::new());
        for expr in kernel.exprs.values() {
            match expr {
                ExprData::Load { param, .. } => _ = accessed.insert(*param),
                ExprData::Var(var) => _ = read.insert(*var),
                _ => {}
            }
        }
        let mut facts = Self { fails: false, accessed, read, assigned: BTreeSet::new() };
        facts.scan(&kernel.body);
        facts
    }

    fn scan(&mut self, block: &[Stmt]) {
        for stmt in block {
            match stmt {
                Stmt::Let { .. } | Stmt::Break => {}
                Stmt::Assign { var, .. } => _ = self.assigned.insert(*var),
                Stmt::Store { param, .. } => _ = self.accessed.insert(*param),
                Stmt::For { body, .. } => self.scan(body),
                Stmt::If { then, otherwise, .. } => {
                    self.scan(then);
                    self.scan(otherwise);
                }
                Stmt::Fail { .. } => self.fails = true,
            }
        }
    }
}
