//! Both intermediate representations of tinyc and their exact meaning.
