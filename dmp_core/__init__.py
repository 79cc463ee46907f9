"""The health record: measures in this version; it knows nothing of the store, the consent or OAuth."""
