//! Functions as Cranelift makes them, in the order in which they are defined. What lies in flash is laid out elsewhere.

use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::Signature;
use cranelift_codegen::isa::{OwnedTargetIsa, TargetIsa};
use cranelift_module::{DataDescription, DataId, FuncId, Linkage, Module, ModuleDeclarations, ModuleReloc};
use cranelift_module::{ModuleRelocTarget, ModuleResult};

/// A module whose functions are kept.
pub(super) struct Collector {
    isa: OwnedTargetIsa,
    declarations: ModuleDeclarations,
    /// In the order of their definitions.
    pub(super) functions: Vec<Compiled>,
}

/// A function's code.
pub(super) struct Compiled {
    pub(super) id: FuncId,
    pub(super) bytes: Vec<u8>,
    /// Alignment of the first byte.
    pub(super) align: u32,
    /// What depends on where other things lie.
    pub(super) relocations: Vec<ModuleReloc>,
    /// The most bytes of its own frame.
    frame: u32,
}

impl Collector {
    pub(super) fn new(isa: OwnedTargetIsa) -> Self {
        Self { isa, declarations: ModuleDeclarations::default(), functions: Vec::new() }
    }

    /// The most bytes of stack that a function takes with all that it calls. No function calls itself.
    pub(super) fn stack(&self, id: FuncId) -> u32 {
        let Some(function) = self.functions.iter().find(|function| function.id == id) else { return 0 };
        function.frame + function.callees().map(|callee| self.stack(callee)).max().unwrap_or(0)
    }
}

impl Compiled {
    fn callees(&self) -> impl Iterator<Item = FuncId> {
        self.relocations.iter().filter_map(|relocation| callee(&relocation.name))
    }
}

/// The function that a relocation leads to.
pub(super) fn callee(name: &ModuleRelocTarget) -> Option<FuncId> {
    match name {
        ModuleRelocTarget::User { namespace: 0, index } => Some(FuncId::from_u32(*index)),
        _ => None,
    }
}

impl Module for Collector {
    fn isa(&self) -> &dyn TargetIsa {
        &*self.isa
    }

    fn declarations(&self) -> &ModuleDeclarations {
        &self.declarations
    }

    fn declare_function(
        &mut self,
        name: &str,
        linkage: Linkage,
        signature: &Signature,
    ) -> ModuleResult<FuncId> {
        Ok(self.declarations.declare_function(name, linkage, signature)?.0)
    }

    fn declare_anonymous_function(&mut self, signature: &Signature) -> ModuleResult<FuncId> {
        self.declarations.declare_anonymous_function(signature)
    }

    fn declare_data(
        &mut self,
        name: &str,
        linkage: Linkage,
        writable: bool,
        tls: bool,
    ) -> ModuleResult<DataId> {
        Ok(self.declarations.declare_data(name, linkage, writable, tls)?.0)
    }

    fn declare_anonymous_data(&mut self, writable: bool, tls: bool) -> ModuleResult<DataId> {
        self.declarations.declare_anonymous_data(writable, tls)
    }

    fn define_function_with_control_plane(
        &mut self,
        id: FuncId,
        context: &mut Context,
        plane: &mut ControlPlane,
    ) -> ModuleResult<()> {
        context.compile(self.isa(), plane)?;
        let code = context.compiled_code().expect("it was compiled just now");
        let relocations = code.buffer.relocs().iter();
        let relocations = relocations.map(|r| ModuleReloc::from_mach_reloc(r, &context.func, id)).collect();
        /// Return address and frame pointer; functions that need neither leave them out.
        const LINKAGE: u32 = 16;
        let own = code.buffer.frame_layout().map_or(0, |layout| layout.frame_to_fp_offset);
        self.functions.push(Compiled {
            id,
            bytes: code.code_buffer().to_vec(),
            align: code.buffer.alignment.max(self.isa.function_alignment().minimum),
            relocations,
            frame: own + LINKAGE,
        });
        Ok(())
    }

    fn define_function_bytes(
        &mut self,
        id: FuncId,
        alignment: u64,
        bytes: &[u8],
        relocations: &[ModuleReloc],
    ) -> ModuleResult<()> {
        let (bytes, relocations) = (bytes.to_vec(), relocations.to_vec());
        self.functions.push(Compiled { id, bytes, align: alignment as u32, relocations, frame: 0 });
        Ok(())
    }

    fn define_data(&mut self, _: DataId, _: &DataDescription) -> ModuleResult<()> {
        Ok(())
    }
}
