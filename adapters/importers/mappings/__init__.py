"""The mappings that Relato brings, one file each."""
