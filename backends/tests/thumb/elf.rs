//! Objects around hand-made functions: both linkers take them for every core and calling convention, tools read their
//! attributes and symbols, and the linked code finds its constants.

use crate::tools::{folder, tool};
use tinyc_backends::codegen::elf::{Assembly, Constants, Field, Function, Label, Reference, Target};
use tinyc_backends::thumb::Architecture;
use tinyc_targets::Core;

/// Constants that a 16-bit addend does not reach across: one word with a label, one without.
fn constants() -> Constants {
    let mut bytes = vec![0xee; 80_000];
    bytes[70_000..70_004].copy_from_slice(&0x1122_3344u32.to_le_bytes());
    bytes[79_996..].copy_from_slice(&0x5566_7788u32.to_le_bytes());
    let label = |name: &str, offset, bytes| Label { name: name.into(), offset, bytes };
    Constants { bytes, align: 16, labels: vec![label("weights", 0, 70_000), label("bias", 70_000, 10_000)] }
}

fn halfwords(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// `ldr r0, =constant; ldr r0, [r0]; bx lr` as each architecture does it.
fn load(architecture: Architecture, name: &str, constant: u32) -> Function {
    let reference = |offset, field| Reference { offset, field, to: Target::Constant(constant) };
    let (bytes, data, references) = match architecture {
        Architecture::V6M => (
            halfwords(&[0x4801, 0x6800, 0x4770, 0x46c0, 0, 0]),
            std::iter::once(8..12).collect(),
            vec![reference(8, Field::WORD)],
        ),
        _ => (
            halfwords(&[0xf240, 0, 0xf2c0, 0, 0x6800, 0x4770]),
            vec![],
            vec![reference(0, Field::MOVW), reference(4, Field::MOVT)],
        ),
    };
    Function { name: name.into(), global: false, align: 4, bytes, data, references }
}

/// Stores the two words to the second argument and returns 0.
pub(crate) fn assembly(architecture: Architecture) -> Assembly {
    let run = halfwords(&[
        0xb510, // push {r4, lr}
        0x460c, // mov r4, r1
        0, 0,      // bl first
        0x6020, // str r0, [r4]
        0, 0,      // bl second
        0x6060, // str r0, [r4, #4]
        0x2000, // movs r0, #0
        0xbd10, // pop {r4, pc}
    ]);
    let mut assembly = Assembly {
        name: "net".into(),
        functions: vec![
            load(architecture, "first", 70_000),
            Function {
                name: "net_run".into(),
                global: true,
                align: 16,
                bytes: run,
                data: vec![],
                references: vec![],
            },
            load(architecture, "second", 79_996),
        ],
        constants: constants(),
    };
    let at = assembly.positions();
    for (callee, offset) in [(0, 4), (2, 10)] {
        let distance = at[callee] as i32 - (at[1] as i32 + offset + 4);
        let (high, low) = ((distance >> 12) as u16 & 0x7ff, (distance >> 1) as u16 & 0x7ff);
        let call = halfwords(&[0xf000 | high, 0xf800 | low]);
        assembly.functions[1].bytes[offset as usize..][..4].copy_from_slice(&call);
    }
    assembly
}

/// Cores that the backend can encode for.
pub(crate) fn cores() -> impl Iterator<Item = (Core, Architecture)> {
    tinyc_targets::cores().filter_map(|core| Some((core.clone(), Architecture::of(core)?)))
}

const SCRIPT: &str = "ENTRY(reset)
SECTIONS {
    .vectors ORIGIN : { KEEP(*(.vectors)) }
    .weights : { *(.rodata.net) }
    .text : { *(.text.net) *(.text .text.*) *(.rodata .rodata.*) }
    _stack_top = STACK;
    /DISCARD/ : { *(.ARM.exidx*) }
}
";

#[test]
fn both_linkers_take_it_for_either_calling_convention_and_it_runs() {
    for (core, architecture) in cores() {
        let folder = folder(&format!("link-{}", core.name));
        std::fs::write(folder.join("net.o"), assembly(architecture).object(&architecture.format(&core)))
            .unwrap();
        std::fs::write(folder.join("firmware.c"), include_str!("firmware.c")).unwrap();
        let vectors = core.qemu.vectors.as_ref().unwrap_or(&core.qemu.flash).origin;
        let script = SCRIPT
            .replace("ORIGIN", &format!("{vectors:#x}"))
            .replace(".weights :", &format!(".weights {:#x} :", core.qemu.flash.origin + 0x1000))
            .replace("STACK", &format!("{:#x}", core.qemu.ram.origin + 0x10000));
        std::fs::write(folder.join("link.ld"), script).unwrap();
        for abi in ["hard", "softfp", "soft"] {
            if abi != "soft" && !core.features.fpu_f32 {
                continue;
            }
            let mut flags: Vec<&str> = core.gcc.flags.iter().map(String::as_str).collect();
            flags.retain(|flag| !flag.starts_with("-mfloat-abi"));
            let abi = format!("-mfloat-abi={abi}");
            flags.push(&abi);
            let gcc = |more: &[&str]| {
                tool(
                    "arm-none-eabi-gcc",
                    &[&flags[..], &["-O1", "-ffreestanding", "-nostdlib"], more].concat(),
                    &folder,
                )
            };
            gcc(&["-c", "firmware.c", "-o", "firmware.o"]);
            gcc(&["-Wl,--fatal-warnings", "-T", "link.ld", "firmware.o", "net.o", "-o", "gcc.elf"]);
            let lld = ["--fatal-warnings", "-T", "link.ld", "firmware.o", "net.o", "-o", "lld.elf"];
            tool("ld.lld-19", &lld, &folder);
            for elf in ["gcc.elf", "lld.elf"] {
                run(&core, elf, &folder);
            }
        }
    }
}

/// Runs a firmware; it ends with another status than 0 if it does not find its constants.
fn run(core: &Core, elf: &str, folder: &std::path::Path) {
    let mut args = vec!["-M", &core.qemu.machine, "-nographic", "-monitor", "none", "-serial", "none"];
    args.extend(["-semihosting-config", "enable=on,target=native", "-kernel", elf]);
    tool(&core.qemu.program, &args, folder);
}

#[test]
fn tools_read_what_it_says_about_itself() {
    let expected = [
        ("cortex-m0", "v6-M", None),
        ("cortex-m3", "v7", None),
        ("cortex-m4", "v7E-M", Some("VFPv4-D16")),
        ("cortex-m7", "v7E-M", Some("VFPv4-D16")),
        ("cortex-m33", "v8-M.mainline", Some("FPv5/FP-D16 for ARMv8")),
    ];
    for (name, arch, float) in expected {
        let core = tinyc_targets::find(name).unwrap().core;
        let architecture = Architecture::of(&core).unwrap();
        let folder = folder(&format!("read-{name}"));
        std::fs::write(folder.join("net.o"), assembly(architecture).object(&architecture.format(&core)))
            .unwrap();
        let attributes = tool("arm-none-eabi-readelf", &["-A", "net.o"], &folder);
        assert!(attributes.contains(&format!("Tag_CPU_arch: {arch}\n")), "{attributes}");
        assert!(attributes.contains("Tag_CPU_arch_profile: Microcontroller"), "{attributes}");
        assert!(attributes.contains("Tag_ABI_VFP_args: compatible"), "{attributes}");
        match float {
            Some(float) => assert!(attributes.contains(&format!("Tag_FP_arch: {float}\n")), "{attributes}"),
            None => assert!(!attributes.contains("Tag_FP_arch"), "{attributes}"),
        }
        let header = tool("arm-none-eabi-readelf", &["-h", "net.o"], &folder);
        assert!(header.contains("Version5 EABI"), "{header}");
    }
}

#[test]
fn a_disassembler_tells_code_from_literals() {
    let core = tinyc_targets::find("cortex-m0").unwrap().core;
    let folder = folder("literals");
    std::fs::write(
        folder.join("net.o"),
        assembly(Architecture::V6M).object(&Architecture::V6M.format(&core)),
    )
    .unwrap();
    let listing = tool("arm-none-eabi-objdump", &["-dr", "net.o"], &folder);
    let lines: Vec<String> =
        listing.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in ["8: 00000000 .word 0x00000000", "8: R_ARM_ABS32 bias", "c: 46c0 nop @ (mov r8, r8)"] {
        assert!(lines.iter().any(|l| l == line), "{line} is missing in\n{listing}");
    }
    for call in ["bl 0 <first>", "bl 24 <second>"] {
        assert!(listing.replace('\t', " ").contains(call), "{call} is missing in\n{listing}");
    }
    let symbols = tool("arm-none-eabi-nm", &["-S", "net.o"], &folder);
    for symbol in ["00000000 0000000c t first", "00000010 00000014 T net_run", "00011170 00002710 r bias"] {
        assert!(symbols.contains(symbol), "{symbol} is missing in\n{symbols}");
    }
    assert!(!symbols.contains(" U "), "nothing is left undefined: {symbols}");
}

#[test]
fn the_same_assembly_gives_the_same_bytes() {
    for (core, architecture) in cores() {
        let once = assembly(architecture).object(&architecture.format(&core));
        assert_eq!(once, assembly(architecture).object(&architecture.format(&core)), "{}", core.name);
    }
}
