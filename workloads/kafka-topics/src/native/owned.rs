//! Objects of librdkafka that are ours to destroy.

use std::ptr::NonNull;

/// An object that is destroyed when this is dropped.
pub(super) struct Owned<T> {
    object: NonNull<T>,
    destroy: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// Takes over what librdkafka returned; nothing for null.
    ///
    /// # Safety
    /// `object` is null, or an object that nobody else destroys and that `destroy` destroys. What it was made from outlives it.
    pub(super) unsafe fn new(object: *mut T, destroy: unsafe extern "C" fn(*mut T)) -> Option<Self> {
        NonNull::new(object).map(|object| Self { object, destroy })
    }

    /// For a call that does not destroy the object.
    pub(super) fn pointer(&self) -> *mut T {
        self.object.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: whoever made this promised that the object is ours alone and that this is its destructor.
        unsafe { (self.destroy)(self.object.as_ptr()) }
    }
}
