"""Who people are: patients, representatives, professionals, organisations and their members; sign-in and sessions."""
