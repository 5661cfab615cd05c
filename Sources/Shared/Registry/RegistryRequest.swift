/// One operation on its way through the registry's thread.
struct RegistryRequest: Sendable {
    let access: RegistryAccess
    /// Runs the operation in a transaction of its own within the batch's. What it returns tells the submitter how it
    /// ended; to be called when the batch is committed (nil) or lost (why).
    let run: @Sendable (any RegistryStore) -> (RegistryError?) -> Void
    /// Tells the submitter that the operation never ran.
    let fail: @Sendable (RegistryError) -> Void

    init<Value: Sendable>(
        _ access: RegistryAccess,
        _ operation: @escaping @Sendable (any RegistryStore) throws(RegistryError) -> Value,
        completion: @escaping @Sendable (Result<Value, RegistryError>) -> Void
    ) {
        self.access = access
        run = { store in
            let outcome: Result<Value, RegistryError>
            do throws(RegistryError) {
                outcome = .success(
                    try store.transaction(access) { () throws(RegistryError) -> Value in try operation(store) })
            } catch {
                outcome = .failure(error)
            }
            return { lost in completion(lost.map { .failure($0) } ?? outcome) }
        }
        fail = { error in completion(.failure(error)) }
    }
}
