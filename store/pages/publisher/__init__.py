"""The publisher's pages: applications, their dossier section by section, what is sent, its versions."""
