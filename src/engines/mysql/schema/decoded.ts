/**
 * MySQL 9.7 gives the bytes of an expression as characters of their own, `grÃ¶ÃŸe` where the column is `größe`: in checks,
 * generated columns and functional indexes. Text that is right already stays as it is.
 */
export function decoded(expression: string): string {
  if (!/[\u0080-\u00ff]/.test(expression) || /[^\0-\u00ff]/.test(expression)) return expression;
  const text = Buffer.from(expression, 'latin1').toString('utf8');
  return text.includes('\ufffd') ? expression : text;
}
