//! Averages that forget by elapsed time: a value's weight falls by e for each `tau`.

/// An exponentially weighted mean over irregular times. Weight of a step of dt: 1 − e^(−dt/tau).
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TimeWeightedMean {
    tau_seconds: f64,
    mean: Option<f64>,
}

impl TimeWeightedMean {
    /// An empty mean that forgets over `tau_seconds` (> 0).
    pub fn new(tau_seconds: f64) -> Self {
        Self {
            tau_seconds,
            mean: None,
        }
    }

    /// Takes a value that held for the last `dt_seconds` (> 0).
    pub fn update(&mut self, value: f64, dt_seconds: f64) {
        // expm1 of the pure-Rust libm: the bits do not depend on the host's C library.
        let mean = self.mean.unwrap_or(0.0);
        let weight = -libm::expm1(-dt_seconds / self.tau_seconds);
        self.mean = Some(mean + weight * (value - mean));
    }

    /// The mean; `None` before the first value.
    pub fn get(&self) -> Option<f64> {
        self.mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_half_steps_are_one_whole() {
        let mut halves = TimeWeightedMean::new(5.0);
        halves.update(2.0, 0.5);
        halves.update(2.0, 0.5);
        let mut whole = TimeWeightedMean::new(5.0);
        whole.update(2.0, 1.0);
        let (a, b) = (halves.get().unwrap(), whole.get().unwrap());
        assert!((a - b).abs() < 1e-15, "{a} {b}");
    }

    #[test]
    fn a_constant_is_reached() {
        let mut mean = TimeWeightedMean::new(5.0);
        assert_eq!(mean.get(), None);
        mean.update(3.0, 1e6);
        assert_eq!(mean.get(), Some(3.0));
    }
}
