"""Pure rules of the consent: calendar, facts, decision at each call, and what a patient may choose."""
