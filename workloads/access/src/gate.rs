//! Who looks at credentials.

use crate::{Access, Credential, Refusal};

/// Who looks at credentials. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Gate(Policy);

#[derive(Clone, Debug)]
enum Policy {
    Anonymous,
}

impl Gate {
    /// Nobody is asked who he is; what clients show is not looked at.
    pub const fn anonymous() -> Self {
        Self(Policy::Anonymous)
    }

    /// Whether clients are asked who they are.
    pub const fn asks(&self) -> bool {
        match self.0 {
            Policy::Anonymous => false,
        }
    }

    /// What the client may do that shows this.
    ///
    /// # Errors
    /// [`Refusal`], with the sentence for the client.
    #[expect(clippy::unused_async, reason = "keys may have to be fetched")]
    pub async fn check(&self, credential: Credential<'_>) -> Result<Access, Refusal> {
        self.check_now(credential)
    }

    /// The same with the keys that are at hand, for who cannot wait.
    ///
    /// # Errors
    /// [`Refusal`], with the sentence for the client.
    pub fn check_now(&self, _credential: Credential<'_>) -> Result<Access, Refusal> {
        match self.0 {
            Policy::Anonymous => Ok(Access::anonymous()),
        }
    }
}
