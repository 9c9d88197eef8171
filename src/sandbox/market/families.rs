//! Instance families, under their real names and near their real on-demand prices in us-east-1.

/// What a family is made for, as the price list's `instanceFamily` says it.
pub(crate) type Purpose = &'static str;

const GENERAL: Purpose = "General purpose";
const COMPUTE: Purpose = "Compute optimized";
const MEMORY: Purpose = "Memory optimized";
const STORAGE: Purpose = "Storage optimized";
const GPU: Purpose = "GPU instance";
const ACCELERATED: Purpose = "Machine Learning ASIC Instances";

/// A size and its normalization factor in quarters: `large` is 16, `xlarge` 32.
pub(crate) type Size = (&'static str, u64);

const BURST: &[Size] =
    &[("nano", 1), ("micro", 2), ("small", 4), ("medium", 8), ("large", 16), ("xlarge", 32), ("2xlarge", 64)];
#[rustfmt::skip]
const TO_24: &[Size] = &[
    ("large", 16), ("xlarge", 32), ("2xlarge", 64), ("4xlarge", 128), ("8xlarge", 256), ("12xlarge", 384),
    ("16xlarge", 512), ("24xlarge", 768), ("metal", 768),
];
#[rustfmt::skip]
const TO_32: &[Size] = &[
    ("large", 16), ("xlarge", 32), ("2xlarge", 64), ("4xlarge", 128), ("8xlarge", 256), ("12xlarge", 384),
    ("16xlarge", 512), ("24xlarge", 768), ("32xlarge", 1_024), ("metal", 1_024),
];
#[rustfmt::skip]
const TO_48: &[Size] = &[
    ("large", 16), ("xlarge", 32), ("2xlarge", 64), ("4xlarge", 128), ("8xlarge", 256), ("12xlarge", 384),
    ("16xlarge", 512), ("24xlarge", 768), ("48xlarge", 1_536), ("metal-24xl", 768), ("metal-48xl", 1_536),
];
#[rustfmt::skip]
const ARM_16: &[Size] = &[
    ("medium", 8), ("large", 16), ("xlarge", 32), ("2xlarge", 64), ("4xlarge", 128), ("8xlarge", 256),
    ("12xlarge", 384), ("16xlarge", 512), ("metal", 512),
];
const C5: &[Size] = &[
    ("large", 16),
    ("xlarge", 32),
    ("2xlarge", 64),
    ("4xlarge", 128),
    ("9xlarge", 288),
    ("12xlarge", 384),
    ("18xlarge", 576),
    ("24xlarge", 768),
    ("metal", 768),
];
const TO_4: &[Size] = &[("large", 16), ("xlarge", 32), ("2xlarge", 64), ("4xlarge", 128)];
const TO_8: &[Size] = &[("large", 16), ("xlarge", 32), ("2xlarge", 64), ("4xlarge", 128), ("8xlarge", 256)];
const TO_16: &[Size] =
    &[("large", 16), ("xlarge", 32), ("2xlarge", 64), ("4xlarge", 128), ("8xlarge", 256), ("16xlarge", 512)];
const GPU_16: &[Size] = &[
    ("xlarge", 32),
    ("2xlarge", 64),
    ("4xlarge", 128),
    ("8xlarge", 256),
    ("12xlarge", 384),
    ("16xlarge", 512),
];
const GPU_48: &[Size] = &[
    ("xlarge", 32),
    ("2xlarge", 64),
    ("4xlarge", 128),
    ("8xlarge", 256),
    ("12xlarge", 384),
    ("16xlarge", 512),
    ("24xlarge", 768),
    ("48xlarge", 1_536),
];

/// What is common to all sizes of a family.
#[derive(Debug)]
pub(crate) struct Family {
    /// `m5`.
    pub(crate) name: &'static str,
    /// What it is made for.
    pub(crate) purpose: Purpose,
    /// Its sizes, smallest first.
    pub(crate) sizes: &'static [Size],
    /// On-demand Linux price of `large` (or what `large` would cost) in us-east-1, in millionths of a dollar.
    pub(crate) large_micros: u64,
    /// Memory of `large`, in hundredths of a GiB.
    pub(crate) large_memory: u64,
    /// The processor, as the price list names it; an AWS one means arm64.
    pub(crate) processor: &'static str,
}

impl Family {
    /// True for Graviton: no Windows there.
    pub(crate) fn is_arm(&self) -> bool {
        self.processor.starts_with("AWS Graviton")
    }
}

const fn family(
    name: &'static str,
    purpose: Purpose,
    sizes: &'static [Size],
    large_micros: u64,
    large_memory: u64,
    processor: &'static str,
) -> Family {
    Family { name, purpose, sizes, large_micros, large_memory, processor }
}

const SKYLAKE: &str = "Intel Xeon Platinum 8175";
const CASCADE: &str = "Intel Xeon Platinum 8259CL";
const ICE: &str = "Intel Xeon 8375C (Ice Lake)";
const SAPPHIRE: &str = "Intel Xeon Scalable (Sapphire Rapids)";
const BROADWELL: &str = "Intel Xeon E5-2686 v4 (Broadwell)";
const EPYC_1: &str = "AMD EPYC 7571";
const EPYC_3: &str = "AMD EPYC 7R13 Processor";
const EPYC_4: &str = "AMD EPYC 9R14 Processor";
const GRAVITON_2: &str = "AWS Graviton2 Processor";
const GRAVITON_3: &str = "AWS Graviton3 Processor";
const GRAVITON_4: &str = "AWS Graviton4 Processor";

/// The families, the best known first: a small market has only these.
#[rustfmt::skip]
pub(crate) const FAMILIES: [Family; 66] = [
    family("m5", GENERAL, TO_24, 96_000, 800, SKYLAKE),
    family("t3", GENERAL, BURST, 83_200, 800, SKYLAKE),
    family("c5", COMPUTE, C5, 85_000, 400, "Intel Xeon Platinum 8124M"),
    family("r5", MEMORY, TO_24, 126_000, 1_600, SKYLAKE),
    family("m6g", GENERAL, ARM_16, 77_000, 800, GRAVITON_2),
    family("g4dn", GPU, GPU_16, 263_000, 800, CASCADE),
    family("m6i", GENERAL, TO_32, 96_000, 800, ICE),
    family("c6i", COMPUTE, TO_32, 85_000, 400, ICE),
    family("r6i", MEMORY, TO_32, 126_000, 1_600, ICE),
    family("t2", GENERAL, BURST, 92_800, 800, "Intel Xeon Family"),
    family("t4g", GENERAL, BURST, 67_200, 800, GRAVITON_2),
    family("c6g", COMPUTE, ARM_16, 68_000, 400, GRAVITON_2),
    family("r6g", MEMORY, ARM_16, 100_800, 1_600, GRAVITON_2),
    family("m7i", GENERAL, TO_48, 100_800, 800, SAPPHIRE),
    family("c7i", COMPUTE, TO_48, 89_250, 400, SAPPHIRE),
    family("r7i", MEMORY, TO_48, 132_300, 1_600, SAPPHIRE),
    family("m7g", GENERAL, ARM_16, 81_600, 800, GRAVITON_3),
    family("c7g", COMPUTE, ARM_16, 72_500, 400, GRAVITON_3),
    family("r7g", MEMORY, ARM_16, 107_100, 1_600, GRAVITON_3),
    family("m5a", GENERAL, TO_24, 86_000, 800, EPYC_1),
    family("r5a", MEMORY, TO_24, 113_000, 1_600, EPYC_1),
    family("t3a", GENERAL, BURST, 75_200, 800, EPYC_1),
    family("m6a", GENERAL, TO_48, 86_400, 800, EPYC_3),
    family("c6a", COMPUTE, TO_48, 76_500, 400, EPYC_3),
    family("r6a", MEMORY, TO_48, 113_400, 1_600, EPYC_3),
    family("m5d", GENERAL, TO_24, 113_000, 800, SKYLAKE),
    family("c5d", COMPUTE, C5, 96_000, 400, "Intel Xeon Platinum 8124M"),
    family("r5d", MEMORY, TO_24, 144_000, 1_600, SKYLAKE),
    family("m7a", GENERAL, TO_48, 115_920, 800, EPYC_4),
    family("c7a", COMPUTE, TO_48, 102_640, 400, EPYC_4),
    family("r7a", MEMORY, TO_48, 152_150, 1_600, EPYC_4),
    family("i3", STORAGE, TO_16, 156_000, 1_525, BROADWELL),
    family("i4i", STORAGE, TO_32, 171_600, 1_600, ICE),
    family("g5", GPU, GPU_48, 503_000, 800, "AMD EPYC 7R32"),
    family("g6", GPU, GPU_48, 402_400, 800, EPYC_3),
    family("m8g", GENERAL, ARM_16, 89_760, 800, GRAVITON_4),
    family("c8g", COMPUTE, ARM_16, 79_760, 400, GRAVITON_4),
    family("r8g", MEMORY, ARM_16, 117_820, 1_600, GRAVITON_4),
    family("m5n", GENERAL, TO_24, 119_000, 800, CASCADE),
    family("r5n", MEMORY, TO_24, 149_000, 1_600, CASCADE),
    family("c5n", COMPUTE, TO_16, 108_000, 525, "Intel Xeon Platinum 8124M"),
    family("m6id", GENERAL, TO_32, 118_650, 800, ICE),
    family("c6id", COMPUTE, TO_32, 100_800, 400, ICE),
    family("r6id", MEMORY, TO_32, 151_200, 1_600, ICE),
    family("m6in", GENERAL, TO_32, 139_230, 800, ICE),
    family("c6in", COMPUTE, TO_32, 113_400, 400, ICE),
    family("r6in", MEMORY, TO_32, 174_330, 1_600, ICE),
    family("m6gd", GENERAL, ARM_16, 90_400, 800, GRAVITON_2),
    family("c6gd", COMPUTE, ARM_16, 76_800, 400, GRAVITON_2),
    family("r6gd", MEMORY, ARM_16, 115_200, 1_600, GRAVITON_2),
    family("m7gd", GENERAL, ARM_16, 106_800, 800, GRAVITON_3),
    family("c7gd", COMPUTE, ARM_16, 90_700, 400, GRAVITON_3),
    family("r7gd", MEMORY, ARM_16, 136_100, 1_600, GRAVITON_3),
    family("r5b", MEMORY, TO_24, 149_000, 1_600, CASCADE),
    family("r5dn", MEMORY, TO_24, 167_000, 1_600, CASCADE),
    family("m5dn", GENERAL, TO_24, 136_000, 800, CASCADE),
    family("x2gd", MEMORY, ARM_16, 167_000, 3_200, GRAVITON_2),
    family("m7i-flex", GENERAL, TO_8, 95_760, 800, SAPPHIRE),
    family("c7i-flex", COMPUTE, TO_8, 84_790, 400, SAPPHIRE),
    family("m4", GENERAL, TO_16, 100_000, 800, BROADWELL),
    family("c4", COMPUTE, TO_8, 100_000, 375, "Intel Xeon E5-2666 v3 (Haswell)"),
    family("r4", MEMORY, TO_16, 133_000, 1_525, BROADWELL),
    family("inf1", ACCELERATED, TO_4, 114_000, 400, CASCADE),
    family("g5g", GPU, GPU_16, 210_000, 400, GRAVITON_2),
    family("i3en", STORAGE, TO_24, 226_000, 1_600, CASCADE),
    family("im4gn", STORAGE, TO_16, 181_930, 800, GRAVITON_2),
];
