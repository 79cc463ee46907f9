"""What a CDA document travels in: the zip package of IHE XDM, the messages of HL7 v2."""
