//! Kubernetes quantities, as far as the resource's schema admits them.

/// Bytes of a quantity of memory or storage, or `None` when it is not one. The suffixes are those of
/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/> for whole numbers.
pub fn bytes(quantity: &str) -> Option<u64> {
    let digits_end = quantity.find(|character: char| !character.is_ascii_digit()).unwrap_or(quantity.len());
    let (digits, suffix) = quantity.split_at(digits_end);
    let factor: u64 = match suffix {
        "" => 1,
        "k" => 1000,
        "M" => 1000_u64.pow(2),
        "G" => 1000_u64.pow(3),
        "T" => 1000_u64.pow(4),
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn reads_binary_and_decimal_suffixes() {
        assert_eq!(bytes("1Gi"), Some(1 << 30));
        assert_eq!(bytes("2G"), Some(2_000_000_000));
        assert_eq!(bytes("7"), Some(7));
    }

    #[test]
    fn says_none_for_what_is_no_whole_number_of_bytes() {
        for quantity in ["", "Gi", "1.5Gi", "1Qi", "99999999999999Ti"] {
            assert_eq!(bytes(quantity), None, "{quantity}");
        }
    }
}
