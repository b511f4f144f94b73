/**
 * The version in package.json. A copy, because a bundle and a one-file binary have no package.json
 * beside them.
 */
export const version = '0.1.0'
