//! What a `derive` of `prost` would write for the messages of [`proto`](super::proto), as macros of this crate: build scripts then
//! compile neither it nor the parser of Rust that it needs. `frontend/tests/proto.rs` puts the generator's messages into them.

/// A message: a struct whose fields say `#[prost(KIND, optional or repeated, tag = N)]`.
macro_rules! message {
    ($(#[$attribute:meta])* pub struct $name:ident { $(#[prost $kind:tt] pub $field:ident: $ty:ty,)* }) => {
        $(#[$attribute])*
        pub struct $name {
            $(pub $field: $ty,)*
        }
        impl $name {
            $($crate::onnx::message::message!(@value $kind $field);)*
        }
        impl ::prost::Message for $name {
            fn encode_raw(&self, _to: &mut impl ::prost::bytes::BufMut) {
                $($crate::onnx::message::message!(@encode $kind self.$field, _to);)*
            }
            fn merge_field(
                &mut self,
                tag: u32,
                wire: ::prost::encoding::WireType,
                from: &mut impl ::prost::bytes::Buf,
                context: ::prost::encoding::DecodeContext,
            ) -> Result<(), ::prost::DecodeError> {
                match tag {
                    $($crate::onnx::message::message!(@tag $kind) => {
                        let merged = $crate::onnx::message::message!(@merge $kind &mut self.$field, tag, wire, from, context);
                        merged.map_err(|mut error: ::prost::DecodeError| {
                            error.push(stringify!($name), stringify!($field));
                            error
                        })
                    })*
                    _ => ::prost::encoding::skip_field(wire, tag, from, context),
                }
            }
            fn encoded_len(&self) -> usize {
                0 $(+ $crate::onnx::message::message!(@len $kind self.$field))*
            }
            fn clear(&mut self) {
                *self = Self::default();
            }
        }
    };

    // The value of an optional field, or what it is where it is absent.
    (@value (string, optional, tag = $tag:literal) $field:ident) => {
        pub fn $field(&self) -> &str { self.$field.as_deref().unwrap_or_default() }
    };
    (@value (bytes = $to:literal, optional, tag = $tag:literal) $field:ident) => {
        pub fn $field(&self) -> &[u8] { self.$field.as_deref().unwrap_or_default() }
    };
    (@value (enumeration = $ty:ty, optional, tag = $tag:literal) $field:ident) => {
        pub fn $field(&self) -> $ty {
            self.$field.and_then(|number| <$ty>::try_from(number).ok()).unwrap_or_default()
        }
    };
    (@value (float, optional, tag = $tag:literal) $field:ident) => {
        pub fn $field(&self) -> f32 { self.$field.unwrap_or_default() }
    };
    (@value (int32, optional, tag = $tag:literal) $field:ident) => {
        pub fn $field(&self) -> i32 { self.$field.unwrap_or_default() }
    };
    (@value (int64, optional, tag = $tag:literal) $field:ident) => {
        pub fn $field(&self) -> i64 { self.$field.unwrap_or_default() }
    };
    (@value $other:tt $field:ident) => {};

    // Bytes are vectors, and an enumeration is a number that the file may make up.
    (@$what:ident (bytes = $to:literal, $($rest:tt)*) $($at:tt)*) => { $crate::onnx::message::message!(@$what (bytes, $($rest)*) $($at)*) };
    (@$what:ident (enumeration = $to:ty, $($rest:tt)*) $($at:tt)*) => { $crate::onnx::message::message!(@$what (int32, $($rest)*) $($at)*) };
    (@$what:ident ($kind:ident, optional, boxed, $($rest:tt)*) $($at:tt)*) => {
        $crate::onnx::message::message!(@$what ($kind, optional, $($rest)*) $($at)*)
    };

    (@tag (oneof = $ty:ty, tags = $tags:pat)) => { $tags };
    (@tag ($kind:ident, $count:ident, $(packed = $packed:literal,)? tag = $tag:literal)) => { $tag };

    (@encode (oneof = $ty:ty, tags = $tags:pat) $at:expr, $to:expr) => {
        if let Some(one) = &$at { one.encode($to) }
    };
    (@encode ($kind:ident, optional, tag = $tag:literal) $at:expr, $to:expr) => {
        if let Some(value) = &$at { ::prost::encoding::$kind::encode($tag, value, $to) }
    };
    (@encode ($kind:ident, repeated, packed = $packed:literal, tag = $tag:literal) $at:expr, $to:expr) => {
        ::prost::encoding::$kind::encode_repeated($tag, &$at, $to)
    };
    (@encode (string, repeated, tag = $tag:literal) $at:expr, $to:expr) => {
        ::prost::encoding::string::encode_repeated($tag, &$at, $to)
    };
    (@encode (bytes, repeated, tag = $tag:literal) $at:expr, $to:expr) => {
        ::prost::encoding::bytes::encode_repeated($tag, &$at, $to)
    };
    (@encode (message, repeated, tag = $tag:literal) $at:expr, $to:expr) => {
        ::prost::encoding::message::encode_repeated($tag, &$at, $to)
    };
    (@encode ($kind:ident, repeated, tag = $tag:literal) $at:expr, $to:expr) => {
        ::prost::encoding::$kind::encode_packed($tag, &$at, $to)
    };

    (@merge (oneof = $ty:ty, tags = $tags:pat) $at:expr, $tag:expr, $wire:expr, $from:expr, $context:expr) => {
        <$ty>::merge($at, $tag, $wire, $from, $context)
    };
    (@merge ($kind:ident, optional, tag = $own:literal) $at:expr, $tag:expr, $wire:expr, $from:expr, $context:expr) => {{
        let field = $at;
        ::prost::encoding::$kind::merge($wire, field.get_or_insert_with(Default::default), $from, $context)
    }};
    (@merge ($kind:ident, repeated, $($rest:tt)*) $at:expr, $tag:expr, $wire:expr, $from:expr, $context:expr) => {
        ::prost::encoding::$kind::merge_repeated($wire, $at, $from, $context)
    };

    (@len (oneof = $ty:ty, tags = $tags:pat) $at:expr) => { $at.as_ref().map_or(0, <$ty>::encoded_len) };
    (@len ($kind:ident, optional, tag = $tag:literal) $at:expr) => {
        $at.as_ref().map_or(0, |value| ::prost::encoding::$kind::encoded_len($tag, value))
    };
    (@len ($kind:ident, repeated, packed = $packed:literal, tag = $tag:literal) $at:expr) => {
        ::prost::encoding::$kind::encoded_len_repeated($tag, &$at)
    };
    (@len (string, repeated, tag = $tag:literal) $at:expr) => {
        ::prost::encoding::string::encoded_len_repeated($tag, &$at)
    };
    (@len (bytes, repeated, tag = $tag:literal) $at:expr) => {
        ::prost::encoding::bytes::encoded_len_repeated($tag, &$at)
    };
    (@len (message, repeated, tag = $tag:literal) $at:expr) => {
        ::prost::encoding::message::encoded_len_repeated($tag, &$at)
    };
    (@len ($kind:ident, repeated, tag = $tag:literal) $at:expr) => {
        ::prost::encoding::$kind::encoded_len_packed($tag, &$at)
    };
}

/// A choice: an enum whose variants say `#[prost(KIND, tag = N)]`.
macro_rules! one_of {
    ($(#[$attribute:meta])* pub enum $name:ident {
        $(#[prost($kind:ident, tag = $tag:literal)] $variant:ident($ty:ty),)*
    }) => {
        $(#[$attribute])*
        pub enum $name {
            $($variant($ty),)*
        }
        impl $name {
            /// Writes the one that it is.
            pub fn encode(&self, to: &mut impl ::prost::bytes::BufMut) {
                match self {
                    $(Self::$variant(value) => ::prost::encoding::$kind::encode($tag, value, to),)*
                }
            }
            /// Reads one; a message of the same kind is added to what is there.
            pub fn merge(
                field: &mut Option<Self>,
                tag: u32,
                wire: ::prost::encoding::WireType,
                from: &mut impl ::prost::bytes::Buf,
                context: ::prost::encoding::DecodeContext,
            ) -> Result<(), ::prost::DecodeError> {
                match tag {
                    $($tag => {
                        if let Some(Self::$variant(value)) = field {
                            return ::prost::encoding::$kind::merge(wire, value, from, context);
                        }
                        let mut value = <$ty>::default();
                        ::prost::encoding::$kind::merge(wire, &mut value, from, context)?;
                        *field = Some(Self::$variant(value));
                        Ok(())
                    })*
                    _ => unreachable!("the message hands over its own tags only"),
                }
            }
            /// Bytes that [`encode`](Self::encode) writes.
            pub fn encoded_len(&self) -> usize {
                match self {
                    $(Self::$variant(value) => ::prost::encoding::$kind::encoded_len($tag, value),)*
                }
            }
        }
    };
}

/// An enumeration: numbers with names.
macro_rules! enumeration {
    ($(#[$attribute:meta])* pub enum $name:ident { $first:ident = $zero:literal, $($variant:ident = $number:literal,)* }) => {
        $(#[$attribute])*
        #[derive(Default)]
        pub enum $name {
            #[default]
            $first = $zero,
            $($variant = $number,)*
        }
        impl TryFrom<i32> for $name {
            type Error = ::prost::UnknownEnumValue;
            fn try_from(number: i32) -> Result<Self, Self::Error> {
                match number {
                    $zero => Ok(Self::$first),
                    $($number => Ok(Self::$variant),)*
                    _ => Err(::prost::UnknownEnumValue(number)),
                }
            }
        }
        impl From<$name> for i32 {
            fn from(value: $name) -> Self {
                value as Self
            }
        }
    };
}

pub(super) use {enumeration, message, one_of};
