/// Entry points of ttkit/recipe.h.
public import CTTKit
internal import TTKit

typealias RecipeHandle = Handle<Recipe>

@c @implementation
public func ttk_recipe_parse(
  _ json: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    RecipeHandle.store(try Recipe(parsing: requireString(json, "json")), in: out)
  }
}

@c @implementation
public func ttk_recipe_load(
  _ path: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    RecipeHandle.store(try Recipe(path: requireString(path, "path")), in: out)
  }
}

@c @implementation
public func ttk_recipe_builtin(
  _ name: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let out = try requireOut(out)
    RecipeHandle.store(try Recipe(builtin: requireString(name, "name")), in: out)
  }
}

@c @implementation
public func ttk_recipe_json(_ recipe: OpaquePointer?) -> UnsafePointer<CChar>? {
  guard let handle = RecipeHandle.from(recipe) else { return nil }
  return handle.arena.string(handle.value.json)
}

@c @implementation
public func ttk_recipe_spec(
  _ recipe: OpaquePointer?, _ weightName: UnsafePointer<CChar>?
) -> UnsafePointer<CChar>? {
  guard let handle = RecipeHandle.from(recipe), let weightName,
    let name = String(validatingCString: weightName),
    let spec = handle.value.spec(for: name)
  else { return nil }
  return handle.arena.string(spec.description)
}

@c @implementation
public func ttk_recipe_destroy(_ recipe: OpaquePointer?) { RecipeHandle.destroy(recipe) }
