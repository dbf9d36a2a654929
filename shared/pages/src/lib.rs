//! The pages that people see: templates, style and translations.
