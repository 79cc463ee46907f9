"""Entries of the record: vaccinations, reimbursements, the health profile, results read out of reports."""
