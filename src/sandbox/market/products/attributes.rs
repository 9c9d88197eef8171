//! How the price list describes an instance: sizes, memory, billing operation.

use crate::sandbox::market::instances::{Instance, System};

/// `RunInstances:0002`: the code that the bill and `DescribeInstances` name too.
pub(super) fn operation(system: System, software: u16) -> String {
    match system.operation_bits() {
        None => "RunInstances:000g".to_owned(),
        Some(0) if software == 0 => "RunInstances".to_owned(),
        Some(bits) => format!("RunInstances:{:04x}", bits | software),
    }
}

/// What the price list says of the machine itself.
pub(super) fn instance_attributes(instance: &Instance) -> [(&'static str, String); 10] {
    let memory = instance.memory();
    let memory = match (memory / 100, memory % 100) {
        (whole, 0) => format!("{whole} GiB"),
        (whole, part) => format!("{whole}.{part:02} GiB"),
    };
    let network = match instance.vcpus {
        0..=16 => "Up to 10 Gigabit",
        17..=48 => "12 Gigabit",
        _ => "25 Gigabit",
    };
    [
        ("instanceType", instance.name.clone()),
        ("currentGeneration", "Yes".to_owned()),
        ("instanceFamily", instance.family.purpose.to_owned()),
        ("vcpu", instance.vcpus.to_string()),
        ("physicalProcessor", instance.family.processor.to_owned()),
        ("memory", memory),
        ("storage", "EBS only".to_owned()),
        ("networkPerformance", network.to_owned()),
        ("processorArchitecture", "64-bit".to_owned()),
        ("processorFeatures", if instance.family.is_arm() { "" } else { "Intel AVX; Intel AVX2" }.to_owned()),
    ]
}

/// The normalization factor, from its quarters.
pub(super) fn size_factor(quarters: u64) -> String {
    match quarters {
        1 => "0.25".to_owned(),
        2 => "0.5".to_owned(),
        _ => (quarters / 4).to_string(),
    }
}
