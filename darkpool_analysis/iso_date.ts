/** Whether a text is a day that exists, as YYYY-MM-DD. (Date.parse alone takes 30 February for 2 March.) */
export function isIsoDate(text: string): boolean {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}
