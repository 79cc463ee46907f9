"""Pages: inboxes, what a person chose, the links in e-mails, the development mailbox."""
