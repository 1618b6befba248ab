// Exists to own the precompiled header (see cmake/vivim_settings.cmake).
