// Not drawn yet.
export const title = () => 'surface';
export const selection = () => ({ symbols: [], names: [] });
export const mount = () => ({});
